// Invocations: rows in, scores out.
#pragma once

#include "service.h"

namespace coppice::serve {

/// Scores the rows of a request and answers in the format that it accepts. Errors: HttpError, Error.
void invoke(const Request& request, const Route& route, WorkQueue& queue, Worker& worker, Response& response);

/// How long an invocation takes, from the size of its body. `default_output` is what StoreOptions::output
/// says.
[[nodiscard]] Effort effort_of_invocation(const Request& request, const Route& route,
                                          std::string_view default_output) noexcept;

/// Scores a body and puts the answer into worker.answer. Errors: those of RowReader and Answerer.
void score(const ServedModel& model, const BodyType& type, std::string_view body, Worker& worker);

}  // namespace coppice::serve

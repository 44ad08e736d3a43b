// What the server tells about itself.
#pragma once

#include "service.h"

namespace coppice::serve {

/// GET /execution-parameters: how a batch transform should call.
void execution_parameters(const Service& service, Response& response);

/// GET /metrics: Prometheus text format 0.0.4.
void metrics_page(const Service& service, const ModelSet& models, Response& response);

/// GET /, and POST / with the fields `model` and `rows` of the page's form: a page for people, without
/// script.
void status_page(const Service& service, const Request& request, Worker& worker, Response& response);

}  // namespace coppice::serve

// The routes below /models: what is loaded, and changes of it.
#pragma once

#include <coppice/serve/server.h>

#include "request.h"
#include "response.h"
#include "route.h"

namespace coppice::serve {

/// Errors: serve.option.model_root when models may be loaded but not from where.
void check_admin_options(const ServerOptions& options);

/// GET /models?limit=N&next_page_token=T.
void list_models(const Route& route, const ModelSet& models, Response& response);
/// GET /models/{name}.
void describe_model(const Route& route, const ModelSet& models, Response& response);
/// GET /models/{name}/drift.
void model_drift(const Route& route, const ModelSet& models, Response& response);
/// POST /models {"model_name": .., "url": ..}.
void load_model(const Request& request, const ServerOptions& options, ModelStore& store, Response& response);
/// PUT /models/{name}, with {"url": ..} or, from where it came, without a body.
void replace_model(const Request& request, const Route& route, const ServerOptions& options,
                   ModelStore& store, Response& response);
/// DELETE /models/{name}.
void unload_model(const Route& route, ModelStore& store, Response& response);

/// The model that a request names. Errors: HttpError 404, or 429 while it is being loaded.
[[nodiscard]] const ServedModel& require_model(const ModelSet& models, std::string_view name);

}  // namespace coppice::serve

// What a model must be like to be walked without further checks.
#pragma once

#include <coppice/model.h>

#include <cstddef>
#include <string>

namespace coppice::scoring {

/// Errors: core.scorer.model when a tree does not fit the schema or is damaged (a feature, child or category
/// list out of range); the message names tree and node.
void check_model(const Model& model);

/// Raises core.scorer.model: what is wrong with a node.
[[noreturn]] void refuse(std::size_t tree, std::size_t node, const std::string& what);

}  // namespace coppice::scoring

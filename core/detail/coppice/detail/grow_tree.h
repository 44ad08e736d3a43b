// The order of a session's calls for one tree.
#pragma once

#include <coppice/backend.h>
#include <coppice/tree.h>

namespace coppice::detail {

/// Grows one tree: the only growth loop, for every backend.
inline Tree grow_tree(TrainingSession& session, int round) {
  session.begin_tree(round);
  while (session.frontier_bound() > 0) {
    session.build_histograms();
    session.evaluate_splits();
    session.expand_frontier();
  }
  return session.finish_tree();
}

}  // namespace coppice::detail

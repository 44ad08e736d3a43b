// What bench/score.cpp calls in a shared library: another library's scorer behind its C interface.
#pragma once

/// Makes ready to score with a model file, on one thread. Returns 0 when that went well.
int prepare(const char* model, int n_features);

/// Margins of a row-major batch: rows [n_rows][n_features], margins [n_rows]. Returns 0 when that went well.
int score(const float* rows, int n_rows, float* margins);

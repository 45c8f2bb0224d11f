#pragma once

#include <kernfold/api/any_reduction.hpp>

// sum_j exp(-g |x_i - y_j|^2) b_j and the nearest y_j of each x_i. made.cpp makes them once for any machine, and once
// more by other flags or another compiler.
kernfold::any_reduction<float> first_gauss();
kernfold::any_reduction<float> second_gauss();
kernfold::any_reduction<double> first_nearest();
kernfold::any_reduction<double> second_nearest();

#pragma once

// True if kernfold computes a Gaussian convolution and its gradient rightly in that unit. With a wrong shape: throws.
bool first(bool wrong_shape);
bool second(bool wrong_shape);

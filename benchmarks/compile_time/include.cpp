#include <kernfold/kernfold.hpp>

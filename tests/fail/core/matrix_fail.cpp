#include <kernfold/core/matrix.hpp>
#include <string>

#if CASE == 1  // expect: a matrix holds plain numbers
template class kernfold::matrix<std::string>;
#else
template class kernfold::matrix<double>;
#endif

#if CASE == 2  // expect: a matrix holds plain numbers
template class kernfold::matrix<const float>;
#else
template class kernfold::matrix<float>;
#endif

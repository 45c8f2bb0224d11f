// kernfold/formula/registry.hpp: all operations, with what an example of each needs. The tests walk this list: an
// operation that stands here is tested (value, gradients, text), and one that does not is not part of the library.
#pragma once

#include "ops/arithmetic.hpp"
#include "ops/elementary.hpp"
#include "ops/matrix.hpp"
#include "ops/norms.hpp"
#include "ops/select.hpp"
#include "ops/vector.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {

/// Where an operation is sampled. This concerns its first argument; the others are real.
enum class domain : unsigned char {
  real,      // both signs, away from 0
  positive,  // away from 0
  flag       // 0 or 1
};

/// An example of an operation: the dimensions of its arguments, and where they are taken from.
template <class Op, class Dims, domain Domain = domain::real> struct operation_entry {
  using op = Op;
  using dimensions = Dims;
  static constexpr domain sampled = Domain;
};

// clang-format off
using operations = type_list<
    // arithmetic
    operation_entry<Add, dims<3, 3>>,
    operation_entry<Add, dims<1, 3>>,
    operation_entry<Sub, dims<3, 3>>,
    operation_entry<Sub, dims<3, 1>>,
    operation_entry<Mul, dims<3, 3>>,
    operation_entry<Mul, dims<1, 3>>,
    operation_entry<Mul, dims<3, 1>>,
    operation_entry<Div, dims<3, 3>>,
    operation_entry<Div, dims<1, 3>>,
    operation_entry<Div, dims<3, 1>>,
    operation_entry<FusedMultiplyAdd, dims<3, 1, 3>>,
    operation_entry<Grouped, dims<3>>,
    operation_entry<Square, dims<3>>,
    operation_entry<Pow<0>, dims<3>>,
    operation_entry<Pow<3>, dims<3>>,
    operation_entry<Pow<-1>, dims<3>>,
    operation_entry<Pow<-4>, dims<3>>,
    operation_entry<Pow<1, 2>, dims<3>, domain::positive>,
    operation_entry<Pow<5, 2>, dims<3>, domain::positive>,
    operation_entry<Pow<-3, 2>, dims<3>, domain::positive>,
    operation_entry<Pow<1, 3>, dims<3>, domain::positive>,
    operation_entry<Pow<-7, 4>, dims<3>, domain::positive>,
    operation_entry<Powf, dims<3, 3>, domain::positive>,
    operation_entry<Powf, dims<3, 1>, domain::positive>,
    operation_entry<Powf, dims<1, 3>, domain::positive>,
    operation_entry<Inv, dims<3>>,
    operation_entry<Sqrt, dims<3>, domain::positive>,
    operation_entry<Rsqrt, dims<3>, domain::positive>,
    // elementary
    operation_entry<Exp, dims<3>>,
    operation_entry<Exp2, dims<3>>,
    operation_entry<Log, dims<3>, domain::positive>,
    operation_entry<Sin, dims<3>>,
    operation_entry<Cos, dims<3>>,
    operation_entry<Tanh, dims<3>>,
    operation_entry<SqSech, dims<3>>,
    operation_entry<Abs, dims<3>>,
    operation_entry<Sign, dims<3>>,
    operation_entry<Step, dims<3>>,
    operation_entry<ReLU, dims<3>>,
    // vectors
    operation_entry<Sum, dims<4>>,
    operation_entry<SumT<3>, dims<1>>,
    operation_entry<Elem<1>, dims<3>>,
    operation_entry<ElemT<1, 3>, dims<1>>,
    operation_entry<Extract<1, 2>, dims<4>>,
    operation_entry<ExtractT<1, 4>, dims<2>>,
    operation_entry<Concat, dims<2, 3>>,
    // inner products, norms and distances
    operation_entry<Scalprod, dims<3, 3>>,
    operation_entry<Scalprod, dims<20, 20>>,
    operation_entry<SqNorm2, dims<3>>,
    operation_entry<SqDist, dims<3, 3>>,
    operation_entry<SqDist, dims<1, 3>>,
    operation_entry<SqDist, dims<3, 1>>,
    // small matrices
    operation_entry<MatVecMult, dims<6, 3>>,
    operation_entry<VecMatMult, dims<2, 6>>,
    operation_entry<TensorProd, dims<2, 3>>,
    // choices
    operation_entry<Equal, dims<3, 3>>,
    operation_entry<NotEqual, dims<1, 3>>,
    operation_entry<LessThan, dims<3, 3>>,
    operation_entry<LessOrEqual, dims<3, 1>>,
    operation_entry<IfElse, dims<3, 3, 3>>,
    operation_entry<IfElse, dims<1, 3, 1>>,
    operation_entry<IfElse, dims<3, 1, 3>>,
    operation_entry<Where, dims<3, 3, 3>, domain::flag>,
    operation_entry<Where, dims<1, 3, 3>, domain::flag>,
    operation_entry<Where, dims<3, 1, 1>, domain::flag>>;
// clang-format on

}  // namespace kernfold
KERNFOLD_STRICT_END

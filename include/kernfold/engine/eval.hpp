// kernfold/engine/eval.hpp: a formula at one pair, on values in registers: for a user's own loops and kernels.
#pragma once

#include "../reduction/concepts.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

template <class V> struct value_traits {
  using real = V;
  static constexpr int dim = 1;
};
template <class T, int N> struct value_traits<vec<T, N>> {
  using real = T;
  static constexpr int dim = N;
};

/// Values in the order of the variables' positions.
template <class... Values> struct value_source {
  slot_list_of<Values...> values;

  template <class T, class Leaf> KERNFOLD_HD_LAYER T load(int, int k) const { return T(component<Leaf>(k)); }
  template <class T, class Leaf> KERNFOLD_HD_LAYER std::int64_t load_index(int, int k) const {
    return static_cast<std::int64_t>(component<Leaf>(k));
  }

 private:
  template <class Leaf> KERNFOLD_HD_LAYER auto component(int k) const {
    constexpr bool given = Leaf::position < int(sizeof...(Values));
    static_assert(given, "kernfold: eval(f, values...) takes one value for each position of the formula's variables");
    using value = type_at<type_list<Values...>, Leaf::position>;
    static_assert(value_traits<value>::dim == Leaf::dim, "kernfold: a value's dimension is not that of its variable");
    const value& v = get<Leaf::position>(values);
    if constexpr (std::is_arithmetic_v<value>) return v;
    else return v[k];
  }
};

template <class T, class... Values> KERNFOLD_HD_LAYER value_source<Values...> make_values(const Values&... values) {
  return {slot_list_of<Values...>{{values}...}};
}

template <class P, class Frame, class Source>
KERNFOLD_HD_LAYER void evaluate_stage(Frame& f, typename Frame::lanes* kept, std::int64_t* kept_indices,
                                      const Source& source) {
  f.kept = kept;
  f.kept_indices = kept_indices;
  evaluate(f, source, whole_stage<P, Frame::at>{});
}

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// F(p, x_i, y_j) for given values, each a kf::vec<T, dim> or a number, in the order of the variables' positions; `i`
/// and `j` are what row_index and column_index stand for. In device code name the formula's type:
/// eval_at<decltype(F)>(...).
template <formula Formula, class First, class... Rest>
KERNFOLD_HD_LAYER auto eval_at(std::int64_t i, std::int64_t j, const First& first, const Rest&... rest) {
  using F = detail::bare<Formula>;
  using T = typename detail::value_traits<First>::real;
  using P = program<role::i, typename detail::lowered<F, lowering{}>::type>;
  constexpr stage_size parameters = P::size(stage::parameter), rows = P::size(stage::row),
                       columns = P::size(stage::column);
  const auto source = detail::make_values<T>(first, rest...);
  T parameter_reals[parameters.kept_reals + 1], row_reals[rows.kept_reals + 1], column_reals[columns.kept_reals + 1];
  std::int64_t parameter_indices[parameters.kept_indices + 1], row_indices[rows.kept_indices + 1],
      column_indices[columns.kept_indices + 1];

  frame_of<P, stage::parameter, T> p;
  detail::evaluate_stage<P>(p, parameter_reals, parameter_indices, source);
  frame_of<P, stage::row, T> r;
  r.parameters = parameter_reals;
  r.parameter_indices = parameter_indices;
  r.row_number = i;
  detail::evaluate_stage<P>(r, row_reals, row_indices, source);
  frame_of<P, stage::column, T> c;
  c.parameters = parameter_reals;
  c.parameter_indices = parameter_indices;
  c.column_number = j;
  detail::evaluate_stage<P>(c, column_reals, column_indices, source);
  frame_of<P, stage::pair, T> f;
  f.parameters = parameter_reals;
  f.parameter_indices = parameter_indices;
  f.rows = row_reals;
  f.row_indices = row_indices;
  f.columns = column_reals;
  f.column_indices = column_indices;
  f.row_number = i;
  f.column_number = j;
  detail::evaluate(f, detail::no_source{}, whole_stage<P, stage::pair>{});

  vec<T, F::dim> result;
  const auto root = detail::root_of<P, 0>(f);
  for_each_component<F::dim>([&](int k) KERNFOLD_INLINE_LAMBDA { result[k] = root(k); });
  return result;
}

/// F(p, x, y) for given values: kf::vec<float, 3> f = kf::eval(F, x, y). In device code: kf::eval<decltype(F)>(x, y).
template <formula F, class... Values>
  requires(!(formula<Values> || ...))
KERNFOLD_HD_LAYER auto eval(const Values&... values) {
  return eval_at<F>(0, 0, values...);
}
template <formula F, class... Values> KERNFOLD_HD_LAYER auto eval(F, const Values&... values) {
  return eval_at<F>(0, 0, values...);
}

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END

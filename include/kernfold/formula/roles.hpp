// kernfold/formula/roles.hpp: formulas whose variables change their roles: the transpose of a matrix, and its diagonal.
#pragma once

#include "constant.hpp"
#include "node.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold::detail {

/// The formula F with each variable V replaced by Map::of<V>.
template <class F, class Map> struct renamed {
  using type = F;
};
template <role R, int P, int D, class E, class Map> struct renamed<variable<R, P, D, E>, Map> {
  using type = typename Map::template of<variable<R, P, D, E>>;
};
template <role R, class Map> struct renamed<index_variable<R>, Map> {
  using type = index_variable<Map::role_of(R)>;
};
template <class Op, class... Args, class Map> struct renamed<node<Op, Args...>, Map> {
  using type = node<Op, typename renamed<Args, Map>::type...>;
};
template <class F, class... Vs, class Map> struct renamed<declared<F, Vs...>, Map> {
  using type = declared<typename renamed<F, Map>::type, typename renamed<Vs, Map>::type...>;
};

/// j becomes i.
struct on_the_diagonal {
  static consteval role role_of(role r) { return r == role::j ? role::i : r; }
  template <class V> struct moved;
  template <role R, int P, int D, class E> struct moved<variable<R, P, D, E>> {
    using type = variable<role_of(R), P, D, E>;
  };
  template <class V> using of = typename moved<V>::type;
};

}  // namespace kernfold::detail
KERNFOLD_STRICT_END

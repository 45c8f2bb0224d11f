// kernfold/engine/partial_agent.hpp: columns that some of the lanes do not meet.
#pragma once

#include "agent.hpp"

KERNFOLD_STRICT_BEGIN
namespace kernfold {
namespace detail {
inline namespace KERNFOLD_ABI {

/// A root, and in the lanes that do not meet the column, a value that changes nothing.
template <class Operand, class T> struct present_operand {
  static constexpr int dim = Operand::dim;
  Operand operand;
  math::mask_t<T> is_present;
  T absent;
  KERNFOLD_HD_LAYER T operator()(int k) const { return math::select(is_present, T(operand(k)), absent); }
  KERNFOLD_HD_LAYER T broadcast(int k) const { return math::select(is_present, T(operand.broadcast(k)), absent); }
  KERNFOLD_HD_LAYER component_range computed_now() const { return operand.computed_now(); }
};

/// The roots of a column block, as a fold sees them.
template <class Fold, class Roots, int FirstRoot, class Frame> struct present_roots {
  using T = typename Frame::lanes;
  const Frame* frames;
  const math::mask_t<T>* is_present;

  template <int R> KERNFOLD_HD_LAYER auto root(int column) const {
    using operand = operand_in<type_at<Roots, FirstRoot + R>, Frame, no_source>;
    return present_operand<operand, T>{
        {frames[column], {}}, is_present[column], R == 0 ? Fold::template absent<T>() : T(math::real_of<T>(0))};
  }
  template <int R> KERNFOLD_HD_LAYER auto late_root(int column) const { return root<R>(column); }
};

}  // namespace KERNFOLD_ABI
}  // namespace detail

inline namespace KERNFOLD_ABI {

/// As an agent, for columns that only some of the lanes meet. Column: as in frame. P's folds ask for all of their roots
/// at once: distances are not bounded.
template <class P, class Folds, class T, class Column, class Places = std::make_integer_sequence<int, Folds::size>>
struct partial_agent;
template <class P, class... At, class T, class Column, int... Place>
struct partial_agent<P, type_list<At...>, T, Column, std::integer_sequence<int, Place...>>
    : fold_states<type_list<At...>, T> {
  using pair_frame = frame_of<P, stage::pair, T, Column>;
  using states = typename fold_states<type_list<At...>, T>::states;
  using accumulators = detail::slot_list_of<typename At::fold::template accumulator<T>...>;
  static constexpr int column_block = agent<P, type_list<At...>, T, 1>::columns_of_folds;

  static KERNFOLD_HD_LAYER void open(accumulators& a, states& s, std::int64_t first) {
    (At::fold::open(detail::get<Place>(a), detail::get<Place>(s), first), ...);
  }
  static KERNFOLD_HD_LAYER void close(states& s, accumulators& a, std::int64_t first) {
    (At::fold::close(detail::get<Place>(s), detail::get<Place>(a), first), ...);
  }
  /// Lets a frame see a column of a tile that all lanes see.
  static KERNFOLD_HD_LAYER void see_pair(pair_frame& f, const parameter_values<math::real_of<T>>& parameters,
                                         const row_values<T>& rows, const column_tile<math::real_of<T>>& tile, int c) {
    see_rows(f, parameters, rows);
    see_column<P>(f, tile, c);
  }
  /// Columns c, ..., c + Count - 1, whose pair stage was evaluated in `frames`.
  template <int Count>
  static KERNFOLD_HD_LAYER void absorb(accumulators& a, const pair_frame* frames, const math::mask_t<T>* is_present,
                                       int c) {
    (At::fold::template absorb<Count>(
         detail::get<Place>(a),
         detail::present_roots<typename At::fold, root_operands<P>, At::first_root, pair_frame>{frames, is_present}, c),
     ...);
  }
};

}  // namespace KERNFOLD_ABI
}  // namespace kernfold
KERNFOLD_STRICT_END

#include <kernfold/core/columns.hpp>
#include <list>
#include <vector>

namespace kf = kernfold;

struct Packed {
  char tag;
  float position[3];
} __attribute__((packed));
struct Aligned {
  float tag;
  float position[3];
  const char* name;
};

void check(const float* pointer, std::vector<float>& numbers) {
  (void)pointer;
  (void)numbers;

#if CASE == 1  // expect: a pointer does not say how many numbers stand behind it; pass kf::view{pointer, rows, dim}
  (void)kf::as_view(pointer, 3);
#else
  (void)kf::as_view(kf::view{pointer, 4, 3}, 3);
#endif

#if CASE == 2  // expect: an array of bool is no array of numbers
  (void)kf::as_view(std::vector<bool>{true}, 1);
#else
  (void)kf::as_view(std::vector<unsigned char>{1}, 1);
#endif

#if CASE == 3  // expect: this argument is no array of numbers; pass a number, a contiguous range
  (void)kf::as_view(std::list<float>{}, 1);
#else
  (void)kf::as_view(numbers, 1);
#endif

#if CASE == 4  // expect: the result cannot be written to an array of const elements
  const auto& target = numbers;
#else
  auto& target = numbers;
#endif
  (void)kf::describe_output(target);

#if CASE == 5  // expect: the result would be written to a temporary number and lost
  (void)kf::describe_output(1.0f);
#else
  float number = 0;
  (void)kf::describe_output(number);
#endif

#if CASE == 6  // expect: columns(P) needs an array with rows and columns
  (void)kf::columns(numbers);
#else
  (void)kf::columns(numbers.data(), 3, 4);
#endif

#if CASE == 7  // expect: field(structs, &S::member) needs a struct whose size is a multiple
  std::vector<Packed> structs;
  (void)kf::field(structs, &Packed::position);
#else
  std::vector<Aligned> structs;
  (void)kf::field(structs, &Aligned::position);
#endif

#if CASE == 8  // expect: field(structs, &S::member) needs a member that is a number or a fixed array of numbers
  (void)kf::field(std::vector<Aligned>{}, &Aligned::name);
#else
  (void)kf::field(std::vector<Aligned>{}, &Aligned::tag);
#endif

#if CASE == 9  // expect: field(structs, &S::member) needs a contiguous range of structs
  (void)kf::field(std::list<Aligned>{}, &Aligned::tag);
#endif
}

#if CASE == 10  // expect: a view shows numbers; bool, characters and classes are no numbers
template class kf::view<char>;
#else
template class kf::view<double>;
#endif

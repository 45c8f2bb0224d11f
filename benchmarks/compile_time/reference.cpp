// What all seconds are compared with: a small program of the standard library's containers, which never changes.
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

struct entry {
  std::string name;
  std::vector<double> values;
};

double reference(std::map<std::string, entry>& entries, const std::vector<std::string>& names) {
  std::vector<std::string> sorted(names);
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  double total = 0;
  for (const std::string& name : sorted) {
    entry& e = entries.try_emplace(name, entry{name, {}}).first->second;
    e.values.push_back(static_cast<double>(name.size()));
    std::stable_sort(e.values.begin(), e.values.end(), [](double a, double b) { return a > b; });
    total = std::accumulate(e.values.begin(), e.values.end(), total);
  }
  return total;
}

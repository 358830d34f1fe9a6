#include "service/admin/dashboard.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "easyjwt/user/login_store.hpp"

namespace easyjwt::admin {
namespace {

using std::chrono::hours;

constexpr int shown_days = 30;
constexpr int shown_hours = 48;

/// What is counted of a stretch of time.
struct Bucket {
  std::string name;   ///< "2026-11-30", "2026-11-30 13:00"
  std::string label;  ///< beneath the plot; empty: none
  std::int64_t succeeded = 0;
  std::int64_t refused = 0;
  std::int64_t active = 0;
};

/// Buckets of that length, one after the other.
template <class Length>
std::vector<Bucket> buckets_of(const std::vector<LoginCount>& counts, Time from, Length length,
                               int number) {
  std::vector<Bucket> out(static_cast<std::size_t>(number));
  for (const auto& [hour, what, how, n] : counts) {
    if (hour < from) continue;
    const auto at = static_cast<std::size_t>((hour - from) / length);
    if (at >= out.size()) continue;
    if (what == LoginCount::succeeded) out[at].succeeded += n;
    if (what == LoginCount::refused) out[at].refused += n;
    if (what == LoginCount::first) out[at].active += n;
  }
  return out;
}

/// Between two lines of a plot: 1, 2 or 5 of some power of ten, so that there are five at most.
std::int64_t step_for(std::int64_t highest) {
  for (std::int64_t power = 1;; power *= 10) {
    for (const auto one : {1, 2, 5}) {
      if (highest <= 4 * one * power) return one * power;
    }
  }
}

/// "20", "20k", "3M".
std::string shortened(std::int64_t number) {
  if (number >= 1'000'000 && number % 100'000 == 0) {
    const auto tenths = number / 100'000;
    return std::to_string(tenths / 10) +
           (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + 'M';
  }
  if (number >= 1000 && number % 100 == 0) {
    const auto tenths = number / 100;
    return std::to_string(tenths / 10) +
           (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + 'k';
  }
  return std::to_string(number);
}

/// A plot of bars in a picture of 340 by 180.
json::object plot_of(const std::vector<Bucket>& buckets, std::int64_t Bucket::*what) {
  constexpr double left = 44, right = 324, top = 12, bottom = 156;
  std::int64_t highest = 0;
  for (const auto& bucket : buckets) highest = std::max(highest, bucket.*what);
  const auto step = step_for(highest);
  const auto limit = std::max<std::int64_t>((highest + step - 1) / step, 1) * step;
  const auto height = [&](std::int64_t n) {
    return (bottom - top) * static_cast<double>(n) / static_cast<double>(limit);
  };
  json::array lines;
  for (std::int64_t n = 0; n <= limit; n += step) {
    json::object line;
    line["y"] = std::to_string(static_cast<int>(bottom - height(n)));
    line["text"] = shortened(n);
    lines.push_back(std::move(line));
  }
  const auto width = (right - left) / static_cast<double>(buckets.size());
  json::array bars;
  json::array labels;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto& bucket = buckets[i];
    const auto x = left + width * static_cast<double>(i);
    if (bucket.*what > 0) {
      json::object bar;
      // What is not nothing is seen.
      const auto tall = std::max(height(bucket.*what), 1.0);
      bar["x"] = std::to_string(x + width * 0.1);
      bar["y"] = std::to_string(bottom - tall);
      bar["width"] = std::to_string(width * 0.8);
      bar["height"] = std::to_string(tall);
      bar["name"] = bucket.name;
      bar["n"] = std::to_string(bucket.*what);
      bars.push_back(std::move(bar));
    }
    if (!bucket.label.empty()) {
      json::object label;
      label["x"] = std::to_string(static_cast<int>(x + width / 2));
      label["text"] = bucket.label;
      labels.push_back(std::move(label));
    }
  }
  json::object out;
  out["lines"] = std::move(lines);
  out["bars"] = std::move(bars);
  out["labels"] = std::move(labels);
  return out;
}

/// One of the things that are counted.
struct Series {
  Text title;
  std::string_view color;  ///< a class of the style sheet
  std::int64_t Bucket::*what;
};

/// Plots of the same stretch of time, and the table that says the same.
struct Section {
  std::string_view id;
  Text title;
  Text unit;
  std::vector<Series> series;

  json::object to_json(const std::vector<Bucket>& buckets,
                       const std::function<std::string(const Text&)>& text) const {
    json::array plots;
    json::array columns;
    for (const auto& one : series) {
      const auto most = std::ranges::max_element(buckets, {}, one.what);
      const auto n = (*most).*one.what;
      auto plot = plot_of(buckets, one.what);
      plot["id"] = std::string(id) + std::to_string(plots.size());
      plot["title"] = text(one.title);
      plot["color"] = one.color;
      plot["description"] =
          n == 0 ? text(Text{"None."}) : text({"At most {} ({})", {std::to_string(n), most->name}});
      plots.push_back(std::move(plot));
      columns.emplace_back(json::string(text(one.title)));
    }
    json::array rows;
    for (auto bucket = buckets.rbegin(); bucket != buckets.rend(); ++bucket) {
      json::array cells;
      for (const auto& one : series) {
        json::object cell;
        cell["title"] = text(one.title);
        cell["n"] = std::to_string((*bucket).*one.what);
        cells.push_back(std::move(cell));
      }
      json::object row;
      row["name"] = bucket->name;
      row["cells"] = std::move(cells);
      rows.push_back(std::move(row));
    }
    json::object out;
    out["id"] = id;
    out["heading"] = text(title);
    out["unit"] = text(unit);
    out["plots"] = std::move(plots);
    out["columns"] = std::move(columns);
    out["rows"] = std::move(rows);
    return out;
  }
};

}  // namespace

http::Reply Dashboard::show(const Visit& visit) const {
  const auto& tools = site_.tools();
  const auto now = tools.clock();
  const Time first_day =
      std::chrono::floor<std::chrono::days>(now) - std::chrono::days{shown_days - 1};
  const Time first_hour = std::chrono::floor<hours>(now) - hours{shown_hours - 1};
  std::vector<LoginCount> counts;
  const auto read = tools.database.read([&](db::Transaction& transaction) {
    counts.clear();
    return LoginStore(transaction).list_counts(first_day, [&](const LoginCount& count) {
      counts.push_back(count);
    });
  });
  if (!read) return read.error();

  auto days = buckets_of(counts, first_day, std::chrono::days{1}, shown_days);
  for (int i = 0; i < shown_days; ++i) {
    auto& day = days[static_cast<std::size_t>(i)];
    day.name = shown_time(first_day + std::chrono::days{i}).substr(0, 10);
    if ((shown_days - 1 - i) % 7 == 0) day.label = day.name.substr(5);
  }
  auto last_hours = buckets_of(counts, first_hour, hours{1}, shown_hours);
  for (int i = 0; i < shown_hours; ++i) {
    auto& hour = last_hours[static_cast<std::size_t>(i)];
    hour.name = shown_time(first_hour + hours{i}).substr(0, 16);
    if ((shown_hours - 1 - i) % 12 == 0) hour.label = hour.name.substr(11);
  }

  const Series logins{Text{"Logins"}, "plot-good", &Bucket::succeeded};
  const Series refusals{Text{"Refusals"}, "plot-bad", &Bucket::refused};
  const Series active{Text{"Active users"}, "plot-users", &Bucket::active};
  const auto text = [&](const Text& one) { return site_.text(visit, one); };
  json::object data;
  data["is_recorded"] = tools.settings.login_history.has_value();
  data["sections"] = json::array{
      Section{"day", Text{"30 days"}, Text{"Day"}, {logins, refusals, active}}.to_json(days, text),
      Section{"hour", Text{"48 hours"}, Text{"Hour"}, {logins, refusals}}.to_json(last_hours,
                                                                                  text)};
  return site_.render(visit, "admin_dashboard", std::move(data), {.title = Text{"Logins"}});
}

}  // namespace easyjwt::admin

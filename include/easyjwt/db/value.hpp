#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "easyjwt/core/clock.hpp"

namespace easyjwt::db {

/// The text of one statement. Make it static constexpr: its address is the key under which each
/// connection keeps the prepared form. Parameters are $1, $2, ...; one text serves both engines.
struct Sql {
  std::string_view text;
};

/// What is bound to a parameter. The type counts: a bool is bound as the engine's boolean, a Time
/// as the engine's timestamp. Texts are copied by the driver; views need live only for the call.
using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string_view, Time>;

/// An optional as a Value: null where it is empty.
template <class T>
Value value_or_null(const std::optional<T>& value) {
  if (value) return Value{*value};
  return Value{nullptr};
}

/// One row of a result: views that are good for the length of the callback. Columns count from 0.
/// Asking for a type that the column does not have throws db::Fault (a fault of ours or of whoever
/// wrote the row, never of a client).
class Row {
 public:
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual bool boolean(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual Time time(int column) const = 0;

  std::optional<std::int64_t> maybe_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional{integer(column)};
  }
  std::optional<std::string_view> maybe_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional{text(column)};
  }
  std::optional<Time> maybe_time(int column) const {
    return is_null(column) ? std::nullopt : std::optional{time(column)};
  }

 protected:
  ~Row() = default;
};

}  // namespace easyjwt::db

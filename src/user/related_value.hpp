#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "easyjwt/core/json.hpp"
#include "easyjwt/db/table.hpp"
#include "easyjwt/db/value.hpp"

namespace easyjwt {

/// A column of a table of a service's own: what a JSON value must be to be stored in it.
struct RelatedColumn {
  std::string name;
  db::Kind kind = db::Kind::text;
  bool may_be_null = false;
  std::optional<std::size_t> max_length;  ///< of texts, in code points
  std::optional<std::size_t> digits;      ///< of decimals: how many, on both sides of the point
  std::optional<std::size_t> places;      ///< and how many behind it
};

/// Whether there is a JSON form of what such columns hold.
bool can_be_sent(db::Kind kind) noexcept;

/// As a column of a table is, with the limits that its type has: "varchar(15)", "numeric(8,2)".
RelatedColumn related_column(const db::Column& column, db::Engine engine);

/// A value in the one form in which equal values are equal; nullopt: the column does not take it.
std::optional<json::value> canonical(const RelatedColumn& column, const json::value& value);

/// A canonical value for a statement; `texts` keeps what it points at.
db::Value to_sql(const RelatedColumn& column, const json::value& value,
                 std::deque<std::string>& texts);
/// What a statement has read, from a column of the form that select_form() has it in.
json::value from_sql(const RelatedColumn& column, const db::Row& row, int index);

/// A column in a SELECT, as a value that a Row can have.
std::string select_form(const RelatedColumn& column, db::Engine engine);
/// A parameter ("$3") in an INSERT, an UPDATE or a comparison.
std::string bind_form(const RelatedColumn& column, const std::string& parameter, db::Engine engine);

}  // namespace easyjwt

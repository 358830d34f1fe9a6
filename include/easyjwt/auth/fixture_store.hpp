#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/function_ref.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

struct FixtureModel;

/// A field as Django's fixtures have it.
struct FixtureField {
  enum class Kind { text, boolean, integer, time, reference };
  /// What an entry without the field gets.
  enum class Absent { required, null, empty, no, yes, now };

  std::string_view name;
  Kind kind = Kind::text;
  Absent absent = Absent::required;
  std::size_t max_length = 0;            ///< of a text, in code points; 0: any
  const FixtureModel* target = nullptr;  ///< of a reference

  bool nullable() const { return absent == Absent::null; }
};

/// A many-to-many field.
struct FixtureLink {
  std::string_view name;
  const FixtureModel* target;
  db::Sql read;   ///< $1: the owner; the natural keys of what it is linked to
  db::Sql clear;  ///< $1: the owner
  db::Sql add;    ///< $1: the owner, $2: the other
};

/// A model of which entries are read and written, and its statements.
struct FixtureModel {
  std::string_view label;  ///< "easyjwt_user.user"
  int rank;                ///< references go to lower ranks only
  bool text_key = false;   ///< the pk is a text (sessions)
  /// Entries are matched by their natural key and what is there stays: permissions and content
  /// types, whose pks differ from database to database.
  bool kept = false;
  int natural_columns = 0;  ///< of the natural key; 0: it has none
  std::span<const FixtureField> fields{};
  std::span<const FixtureLink> links{};
  /// Which fields tell a row whose pk an entry does not give; none: it is a new row.
  std::span<const std::size_t> identity{};

  db::Sql read{};      ///< the pk, then the fields; a reference is its target's natural key or pk
  db::Sql exists{};    ///< $1: the pk
  db::Sql find{};      ///< the pk of a natural key
  db::Sql identify{};  ///< the pk of the fields of `identity`
  db::Sql replace{};   ///< $1: the pk, then the fields
  db::Sql insert{};    ///< the fields; returns the pk
};

/// All of them, lowest rank first.
std::span<const FixtureModel* const> fixture_models();
/// nullptr for a label that is none of theirs. Case does not count, as in Django.
const FixtureModel* find_fixture_model(std::string_view label);

/// A primary key, which is a text for sessions.
using FixtureKey = std::variant<std::int64_t, std::string_view>;

/// Reads and writes whole rows, keys included, for `loaddata` and `dumpdata`. Made for the length
/// of a transaction.
class FixtureStore {
 public:
  explicit FixtureStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// Every row by its pk, columns as `model.read` says.
  Result<void> read(const FixtureModel& model, FunctionRef<void(const db::Row&)> each);
  Result<void> read_links(const FixtureLink& link, std::int64_t owner,
                          FunctionRef<void(const db::Row&)> each);

  Result<bool> exists(const FixtureModel& model, std::int64_t key);
  /// The pk that a natural key has.
  Result<std::optional<std::int64_t>> find(const FixtureModel& model,
                                           std::span<const db::Value> natural_key);
  /// The pk of the row that has these values in the fields of `model.identity`.
  Result<std::optional<std::int64_t>> identify(const FixtureModel& model,
                                               std::span<const db::Value> values);
  /// Writes the row of that pk anew, or adds it. Errc::conflict: another row has one of its unique
  /// values.
  Result<void> replace(const FixtureModel& model, FixtureKey key,
                       std::span<const db::Value> fields);
  /// Adds a row and returns its pk. Errc::conflict as above.
  Result<std::int64_t> insert(const FixtureModel& model, std::span<const db::Value> fields);
  /// Links `owner` to `others` and nothing else.
  Result<void> set_links(const FixtureLink& link, std::int64_t owner,
                         std::span<const std::int64_t> others);

 private:
  Result<std::optional<std::int64_t>> find_key(const db::Sql& sql,
                                               std::span<const db::Value> values);

  db::Transaction& transaction_;
};

}  // namespace easyjwt

#include "easyjwt/db/copy.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "db/schema.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/db/migrations.hpp"

namespace easyjwt::db {
namespace {

using Progress = FunctionRef<void(CopyStage, std::int64_t, std::int64_t)>;
using Cell = std::variant<std::monostate, bool, std::int64_t, std::string, Time>;

/// What goes out in one statement at most. A statement of PostgreSQL's takes 65,535 parameters.
constexpr std::size_t largest_batch = 500;
constexpr std::size_t most_parameters = 30'000;
constexpr std::size_t most_bytes = 4 << 20;
/// Of what cannot be copied, how much is named.
constexpr std::size_t most_named = 10;

/// A column that both sides have.
struct Field {
  std::string name;
  Kind kind = Kind::other;
  bool may_be_null = true;
  std::size_t longest = std::numeric_limits<std::size_t>::max();  ///< characters
  std::int64_t highest = std::numeric_limits<std::int64_t>::max();
};

struct Part {
  std::string table;
  std::vector<Field> fields;  ///< the key is the first
  std::map<std::string, std::string> references;
  std::int64_t rows = 0;

  /// A key that is a text may be a secret (a session's), so that SQLite's number of the row stands
  /// for it; to an integer key it is the same.
  std::string name_row(std::int64_t number) const {
    return (fields.front().kind == Kind::integer ? " of id " : " of rowid ") +
           std::to_string(number);
  }
};

/// The tables to which a migration gives rows, and what tells those apart.
const std::map<std::string_view, Sql>& furniture() {
  static const std::map<std::string_view, Sql> tables{
      {"django_content_type",
       {R"(SELECT "app_label" || '.' || "model" FROM "django_content_type")"}},
      {"auth_permission", {R"(SELECT t."app_label" || '.' || t."model" || '.' || p."codename"
           FROM "auth_permission" p JOIN "django_content_type" t ON t."id" = p."content_type_id")"}},
      {"django_migrations", {R"(SELECT "app" || '.' || "name" FROM "django_migrations")"}},
      {"easyjwt_migration", {R"(SELECT "name" FROM "easyjwt_migration")"}},
  };
  return tables;
}

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::refused, {}, std::move(reason));
}

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string columns_of(const Part& part) {
  std::string text;
  for (const auto& field : part.fields) text += (text.empty() ? "" : ", ") + quoted(field.name);
  return text;
}

/// "($1, $2), ($3, $4)"
std::string placeholders(std::size_t rows, std::size_t columns) {
  std::string text;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    text += i % columns == 0 ? (i == 0 ? "($" : "), ($") : ", $";
    text += std::to_string(i + 1);
  }
  return text + ")";
}

Value view(const Cell& cell) {
  if (const auto* boolean = std::get_if<bool>(&cell)) return *boolean;
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return *integer;
  if (const auto* text = std::get_if<std::string>(&cell)) return std::string_view(*text);
  if (const auto* time = std::get_if<Time>(&cell)) return *time;
  return nullptr;
}

Cell read_cell(const Row& row, int column, Kind kind) {
  if (row.is_null(column)) return {};
  switch (kind) {
    case Kind::integer: return row.integer(column);
    case Kind::boolean: return row.boolean(column);
    case Kind::time: return row.time(column);
    default: return std::string(row.text(column));
  }
}

/// Why PostgreSQL would not take a value as it is, or nothing.
std::string_view problem_of(const Row& row, int column, const Field& field) {
  if (row.is_null(column)) return field.may_be_null ? "" : "is null";
  try {
    switch (field.kind) {
      case Kind::integer:
        return row.integer(column) > field.highest || row.integer(column) < -field.highest
                   ? "is out of range"
                   : "";
      case Kind::boolean:
        return row.integer(column) == 0 || row.integer(column) == 1 ? "" : "is not a boolean";
      case Kind::time: {
        // An offset may take it out of the years that there are.
        using namespace std::chrono;
        const auto day = floor<days>(row.time(column));
        return day < sys_days{year{1} / 1 / 1} || day > sys_days{year{9999} / 12 / 31}
                   ? "is out of range"
                   : "";
      }
      default: {
        const auto text = row.text(column);
        if (text.find('\0') != text.npos) return "has a NUL in it";
        if (!is_utf8(text)) return "is not UTF-8";
        return count_code_points(text) > field.longest ? "is too long" : "";
      }
    }
  } catch (const Fault&) {
    switch (field.kind) {
      case Kind::integer: return "is not an integer";
      case Kind::boolean: return "is not a boolean";
      case Kind::time: return "is not a date and time";
      default: return "is not a text";
    }
  }
}

/// What a copy cannot be made of.
class Problems {
 public:
  void add(const std::string& text) {
    if (++count_ <= most_named) text_ += (text_.empty() ? "" : "; ") + text;
  }
  Result<void> verdict() const {
    if (count_ == 0) return {};
    std::string more;
    if (count_ > most_named) more = "; and " + std::to_string(count_ - most_named) + " more";
    return refuse("cannot be copied: " + text_ + more);
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

/// The most that a column's type of PostgreSQL's takes.
void set_limits(Field& field, std::string_view type) {
  if (type == "smallint") field.highest = std::numeric_limits<std::int16_t>::max();
  if (type == "integer") field.highest = std::numeric_limits<std::int32_t>::max();
  constexpr std::string_view varying = "character varying(";
  if (!type.starts_with(varying)) return;
  type.remove_prefix(varying.size());
  std::from_chars(type.data(), type.data() + type.size(), field.longest);
}

/// What both sides have of a table of ours; what only the source has goes to `left_out`.
Part match(const Table& ours, const Table& from, const Table& to,
           std::vector<std::string>& left_out) {
  Part part{.table = ours.name, .fields = {}, .references = ours.references, .rows = 0};
  for (const auto& column : from.columns) {
    const auto* other = to.column(column.name);
    if (other == nullptr || other->kind != column.kind || column.kind == Kind::other) {
      left_out.push_back(ours.name + "." + column.name);
      continue;
    }
    Field field{.name = column.name, .kind = column.kind, .may_be_null = !other->must_be_given};
    set_limits(field, other->type);
    part.fields.insert(column.is_key ? part.fields.begin() : part.fields.end(), std::move(field));
  }
  return part;
}

/// Rows of the source as they go out together.
struct Batch {
  std::vector<Cell> cells;
  std::vector<std::int64_t> numbers;  ///< of the rows
  std::size_t bytes = 0;

  void clear() {
    cells.clear();
    numbers.clear();
    bytes = 0;
  }
};

/// Streams a table of the source, in the order of its keys where they are integers.
Result<void> read_source(Transaction& from, const Part& part, FunctionRef<void(const Row&)> each) {
  const auto text =
      "SELECT rowid, " + columns_of(part) + " FROM " + quoted(part.table) + " ORDER BY rowid";
  const Sql sql{text};
  if (const auto done = from.run(sql, {}, each); !done) return fail(done.error());
  return {};
}

/// Hands the table out in batches until one fails.
Result<void> read_batches(Transaction& from, const Part& part,
                          FunctionRef<Result<void>(const Batch&)> each) {
  const auto largest = std::min(largest_batch, most_parameters / part.fields.size());
  Batch batch;
  Result<void> done;
  const auto read = read_source(from, part, [&](const Row& row) {
    if (!done) return;
    batch.numbers.push_back(row.integer(0));
    int column = 0;
    for (const auto& field : part.fields) {
      const auto& cell = batch.cells.emplace_back(read_cell(row, ++column, field.kind));
      if (const auto* text = std::get_if<std::string>(&cell)) batch.bytes += text->size();
    }
    if (batch.numbers.size() < largest && batch.bytes < most_bytes) return;
    done = each(batch);
    batch.clear();
  });
  if (!read) return read;
  if (done && !batch.numbers.empty()) done = each(batch);
  return done;
}

/// Statements of one kind: that for a full batch is kept prepared while the others come and go.
class BatchStatement {
 public:
  template <class Write>
  const Sql& of(std::size_t rows, const Write& write) {
    auto& [size, text, sql] = rows < largest_batch ? rest_ : full_;
    if (size != rows) {
      size = rows;
      text = write(rows);
      sql.text = text;
    }
    return sql;
  }

 private:
  struct Entry {
    std::size_t size = 0;
    std::string text;
    Sql sql;
  };
  Entry full_, rest_;
};

/// One attempt at a copy, inside a transaction of each side.
class Copier {
 public:
  Copier(Transaction& from, Transaction& to, const std::vector<Table>& ours, Progress progress)
      : from_(from), to_(to), ours_(ours), progress_(progress) {}

  Result<void> copy(Time now) {
    // Before anything is locked or made there; and once nobody else can write.
    if (auto free = check_target(); !free) return free;
    if (auto done = migrate(to_, now); !done) return fail(done.error());
    if (auto done = lock_target(); !done) return done;
    if (auto free = check_target(); !free) return free;
    if (auto done = match_tables(); !done) return done;
    if (auto done = check_source(); !done) return done;
    if (auto done = write_rows(); !done) return done;
    return compare_rows();
  }

  /// Last, since what a sequence was set to stands even where the transaction does not.
  Result<CopyReport> finish() {
    if (auto done = raise_ids(); !done) return fail(done.error());
    for (const auto& part : parts_) report_.tables.push_back({part.table, part.rows});
    return std::move(report_);
  }

 private:
  /// Refuses a target that has more than a migration leaves: what it has in these tables must be
  /// the source's as well, the others are empty.
  Result<void> check_target() {
    for (const auto& table : ours_) {
      const auto there = postgresql_schema().read_table(to_, table.name);
      if (!there) return fail(there.error());
      if (there->columns.empty()) continue;
      const auto known = furniture().find(table.name);
      if (known == furniture().end()) {
        bool any = false;
        const auto text = "SELECT 1 FROM " + quoted(table.name) + " LIMIT 1";
        const Sql sql{text};
        const auto done = to_.run(sql, {}, [&](const Row&) { any = true; });
        if (!done) return fail(done.error());
        if (any) return refuse("the target is in use: it has rows in " + table.name);
        continue;
      }
      const auto had = read_names(to_, known->second);
      if (!had) return fail(had.error());
      const auto wanted = read_names(from_, known->second);
      if (!wanted) return fail(wanted.error());
      for (const auto& name : *had) {
        if (wanted->contains(name)) continue;
        return refuse("the target is in use: it has " + name + " in " + table.name +
                      ", which is not in the source");
      }
    }
    return {};
  }

  Result<void> lock_target() {
    std::string tables;
    for (const auto& table : ours_) tables += (tables.empty() ? "" : ", ") + quoted(table.name);
    return to_.run_script("LOCK TABLE " + tables + " IN SHARE ROW EXCLUSIVE MODE");
  }

  Result<void> match_tables() {
    static constexpr Sql all{R"(SELECT lower("name") FROM sqlite_master
        WHERE "type" = 'table' AND "name" NOT LIKE 'sqlite\_%' ESCAPE '\')"};
    auto others = read_names(from_, all);
    if (!others) return fail(others.error());
    for (const auto& table : ours_) {
      others->erase(table.name);
      const auto there = sqlite_schema().read_table(from_, table.name);
      if (!there) return fail(there.error());
      if (there->columns.empty()) return refuse("the source has no table " + table.name);
      const auto here = postgresql_schema().read_table(to_, table.name);
      if (!here) return fail(here.error());
      auto& part = parts_.emplace_back(match(table, *there, *here, report_.left_out));
      const auto rows = count(from_, part);
      if (!rows) return fail(rows.error());
      total_ += part.rows = *rows;
    }
    // What is kept of users beside Django's table follows from it, by triggers of the target's own;
    // and the target's revocation feed is another.
    std::erase_if(*others, [](const auto& name) {
      return name.starts_with("easyjwt_user_") || name == "easyjwt_event" || name == "easyjwt_feed";
    });
    for (const auto& name : *others) {
      // Never left behind without a word: whoever adds a table of ours has to say what becomes of
      // it.
      if (name.starts_with("easyjwt_")) return refuse("does not know how to copy " + name);
    }
    report_.left_out.insert(report_.left_out.begin(), others->begin(), others->end());
    return {};
  }

  Result<void> check_source() {
    Problems problems;
    advance(CopyStage::checking, 0);
    for (const auto& part : parts_) {
      auto done = read_source(from_, part, [&](const Row& row) {
        advance(CopyStage::checking, 1);
        for (std::size_t i = 0; i < part.fields.size(); ++i) {
          const auto& field = part.fields[i];
          const auto problem = problem_of(row, static_cast<int>(i) + 1, field);
          if (problem.empty()) continue;
          problems.add(part.table + "." + field.name + part.name_row(row.integer(0)) + " " +
                       std::string(problem));
        }
      });
      if (done) done = check_references(part, problems);
      if (!done) return done;
    }
    return problems.verdict();
  }

  /// The column that rows of other tables refer to: the primary key.
  std::string key_of(const std::string& name) const {
    const auto table = std::ranges::find(ours_, name, &Table::name);
    if (table == ours_.end()) return "id";
    const auto key = std::ranges::find(table->columns, true, &Column::is_key);
    return key == table->columns.end() ? "id" : key->name;
  }

  /// SQLite keeps foreign keys only for those who ask it to.
  Result<void> check_references(const Part& part, Problems& problems) {
    for (const auto& reference : part.references) {
      // Not a structured binding: clang 14 captures none.
      const auto& column = reference.first;
      const auto& target = reference.second;
      const auto text = "SELECT rowid FROM " + quoted(part.table) + " s WHERE s." + quoted(column) +
                        " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " + quoted(target) +
                        " t WHERE t." + quoted(key_of(target)) + " = s." + quoted(column) +
                        ") ORDER BY rowid";
      const Sql sql{text};
      const auto done = from_.run(sql, {}, [&](const Row& row) {
        problems.add(part.table + "." + column + part.name_row(row.integer(0)) +
                     " refers to a row that is not in " + target);
      });
      if (!done) return fail(done.error());
    }
    return {};
  }

  Result<void> write_rows() {
    // The source's own stand for those of the migration, with the ids that they have there.
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      if (!furniture().contains(part->table)) continue;
      if (auto done = to_.run_script("DELETE FROM " + quoted(part->table)); !done) return done;
    }
    advance(CopyStage::copying, 0);
    for (const auto& part : parts_) {
      BatchStatement statement;
      const auto done = read_batches(
          from_, part, [&](const Batch& batch) { return write_batch(part, batch, statement); });
      if (!done) return done;
    }
    return {};
  }

  Result<void> write_batch(const Part& part, const Batch& batch, BatchStatement& statement) {
    const auto& sql = statement.of(batch.numbers.size(), [&](std::size_t rows) {
      return "INSERT INTO " + quoted(part.table) + " (" + columns_of(part) + ") VALUES " +
             placeholders(rows, part.fields.size());
    });
    values_.clear();
    for (const auto& cell : batch.cells) values_.push_back(view(cell));
    const auto done = to_.run(sql, values_, ignore_rows);
    if (!done) {
      // Without the statement, which is as long as the batch.
      auto error = done.error();
      error.reason = "writing " + part.table + part.name_row(batch.numbers.front()) + " to " +
                     std::to_string(batch.numbers.back()) + ": " +
                     error.reason.substr(0, error.reason.find(", in: "));
      return fail(std::move(error));
    }
    advance(CopyStage::copying, static_cast<std::int64_t>(batch.numbers.size()));
    return {};
  }

  Result<void> compare_rows() {
    advance(CopyStage::comparing, 0);
    for (const auto& part : parts_) {
      BatchStatement statement;
      const auto done = read_batches(
          from_, part, [&](const Batch& batch) { return compare_batch(part, batch, statement); });
      if (!done) return done;
      // Each of the source's is there; now that nothing else is.
      const auto rows = count(to_, part);
      if (!rows) return fail(rows.error());
      if (*rows != part.rows) {
        return fail(Errc::internal, {},
                    part.table + " has " + std::to_string(part.rows) + " rows, and its copy " +
                        std::to_string(*rows));
      }
    }
    return {};
  }

  Result<void> compare_batch(const Part& part, const Batch& batch, BatchStatement& statement) {
    const auto width = part.fields.size();
    const auto& sql = statement.of(batch.numbers.size(), [&](std::size_t rows) {
      return "SELECT " + columns_of(part) + " FROM " + quoted(part.table) + " WHERE " +
             quoted(part.fields.front().name) + " IN " + placeholders(1, rows);
    });
    std::map<Cell, std::size_t> rows;
    values_.clear();
    for (std::size_t i = 0; i < batch.numbers.size(); ++i) {
      rows.emplace(batch.cells[i * width], i);
      values_.push_back(view(batch.cells[i * width]));
    }
    std::string differs;
    const auto done = to_.run(sql, values_, [&](const Row& row) {
      const auto found = rows.find(read_cell(row, 0, part.fields.front().kind));
      if (found == rows.end()) return;
      for (std::size_t i = 0; i < width && differs.empty(); ++i) {
        const auto& field = part.fields[i];
        if (read_cell(row, static_cast<int>(i), field.kind) ==
            batch.cells[found->second * width + i])
          continue;
        differs = part.table + "." + field.name + part.name_row(batch.numbers[found->second]);
      }
      rows.erase(found);
    });
    if (!done) return fail(done.error());
    if (differs.empty() && !rows.empty()) {
      differs = part.table + part.name_row(batch.numbers[rows.begin()->second]);
    }
    if (!differs.empty()) {
      return fail(Errc::internal, {}, "the copy of " + differs + " is not what it was made of");
    }
    advance(CopyStage::comparing, static_cast<std::int64_t>(batch.numbers.size()));
    return {};
  }

  Result<void> raise_ids() {
    if (auto done = raise_sequences(to_); !done) return done;
    // Above what was ever given, not only above what is there: the id of a user who was deleted is
    // in tokens that are still good.
    static constexpr Sql any{
        R"(SELECT "name" FROM sqlite_master WHERE "name" = 'sqlite_sequence')"};
    const auto kept = read_names(from_, any);
    if (!kept) return fail(kept.error());
    if (!kept->empty()) {
      std::map<std::string, std::int64_t> highest;
      static constexpr Sql given{R"(SELECT lower("name"), "seq" FROM sqlite_sequence)"};
      auto done = from_.run(
          given, {}, [&](const Row& row) { highest[std::string(row.text(0))] = row.integer(1); });
      if (!done) return fail(done.error());
      static constexpr Sql raise{
          R"(SELECT setval(s, $2::bigint)
             FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS s) q
             WHERE $2::bigint > coalesce(pg_sequence_last_value(s), 0))"};
      for (const auto& part : parts_) {
        const auto found = highest.find(part.table);
        if (found == highest.end()) continue;
        const auto name = quoted(part.table);
        done = to_.run(raise, {std::string_view(name), found->second});
        if (!done) return fail(done.error());
      }
    }
    // What the planner knows of a table is wrong until somebody looks.
    std::string script;
    for (const auto& part : parts_) script += "ANALYZE " + quoted(part.table) + ";\n";
    return to_.run_script(script);
  }

  static Result<std::int64_t> count(Transaction& transaction, const Part& part) {
    std::int64_t rows = 0;
    const auto text = "SELECT count(*) FROM " + quoted(part.table);
    const Sql sql{text};
    const auto done = transaction.run(sql, {}, [&](const Row& row) { rows = row.integer(0); });
    if (!done) return fail(done.error());
    return rows;
  }

  /// 0 begins a stage.
  void advance(CopyStage stage, std::int64_t rows) {
    done_ = rows == 0 ? 0 : done_ + rows;
    progress_(stage, done_, total_);
  }

  Transaction& from_;
  Transaction& to_;
  const std::vector<Table>& ours_;
  const Progress progress_;
  std::vector<Part> parts_;
  CopyReport report_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
  std::vector<Value> values_;
};

/// Tells one state of a SQLite file from another, to one connection: that which a read gets while
/// another read goes on.
Result<std::int64_t> data_version(Database& source) {
  return source.read([](Transaction& transaction) -> Result<std::int64_t> {
    static constexpr Sql sql{"PRAGMA data_version"};
    std::int64_t version = 0;
    const auto done = transaction.run(sql, {}, [&](const Row& row) { version = row.integer(0); });
    if (!done) return fail(done.error());
    return version;
  });
}

}  // namespace

Result<CopyReport> copy_database(Database& source, Database& target, const Clock& clock,
                                 Progress progress) {
  if (source.engine() != Engine::sqlite || target.engine() != Engine::postgresql) {
    return refuse("only from SQLite to PostgreSQL");
  }
  const auto ours = reference_tables();
  if (!ours) return fail(ours.error());
  return source.read([&](Transaction& from) -> Result<CopyReport> {
    // Before the first statement of `from`, with which its snapshot begins.
    const auto before = data_version(source);
    if (!before) return fail(before.error());
    return target.write([&](Transaction& to) -> Result<CopyReport> {
      Copier copier(from, to, *ours, progress);
      if (auto done = copier.copy(clock()); !done) return fail(done.error());
      const auto after = data_version(source);
      if (!after) return fail(after.error());
      if (*before != *after) {
        return refuse("the source was written to meanwhile: stop what uses it, and try again");
      }
      return copier.finish();
    });
  });
}

}  // namespace easyjwt::db

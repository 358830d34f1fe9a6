#include "easyjwt/db/feed_triggers.hpp"

#include <string>
#include <string_view>

#include "db/migration_texts.hpp"

namespace easyjwt::db {
namespace {

/// "OLD.x IS NOT NEW.x OR ..." of every column but those that a login changes, extra data included.
Result<std::string> changed_columns(Transaction& transaction) {
  static constexpr Sql sql{
      "SELECT name FROM pragma_table_info('user') "
      "WHERE name NOT IN ('id', 'password', 'last_login', 'modified_date')"};
  std::string text;
  const auto done = transaction.run(sql, {}, [&](const Row& row) {
    std::string name = "\"";
    for (const char c : row.text(0)) name.append(c == '"' ? 2 : 1, c);
    name += '"';
    text += (text.empty() ? "OLD." : " OR OLD.") + name + " IS NOT NEW." + name;
  });
  if (!done) return fail(done.error());
  return text;
}

}  // namespace

Result<void> add_feed_triggers(Transaction& transaction) {
  std::string text(sql_feed_on.text(transaction.engine()));
  if (transaction.engine() == Engine::sqlite) {
    const auto changed = changed_columns(transaction);
    if (!changed) return fail(changed.error());
    constexpr std::string_view mark = "WHEN EASYJWT_CHANGED";
    text.replace(text.find(mark), mark.size(), "WHEN " + *changed);
  }
  return transaction.run_script(text);
}

Result<void> drop_feed_triggers(Transaction& transaction) {
  return transaction.run_script(sql_feed_off.text(transaction.engine()));
}

}  // namespace easyjwt::db

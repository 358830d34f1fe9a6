#include "easyjwt/db/table.hpp"

#include "db/schema.hpp"

namespace easyjwt::db {

Result<Table> read_table(Transaction& transaction, std::string_view name) {
  return schema_of(transaction.engine()).read_table(transaction, name);
}

}  // namespace easyjwt::db

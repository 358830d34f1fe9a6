#pragma once

#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt::db {

/// The triggers that write the revocation feed (easyjwt_event): not there before somebody may read
/// it, since each costs whoever writes. The row of easyjwt_feed must be there. Also writes what had
/// been revoked before.
Result<void> add_feed_triggers(Transaction& transaction);
/// Empties both tables, too. Nothing happens where there are none.
Result<void> drop_feed_triggers(Transaction& transaction);

}  // namespace easyjwt::db

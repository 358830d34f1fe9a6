-- Members of a group in the order of their ids, from the index alone: lists and searches of the admin site that are
-- narrowed to a group are found by it. Django's has the group alone; docs/adr/0035-lists-of-the-admin-site.md.
CREATE INDEX IF NOT EXISTS "easyjwt_user_groups_group" ON "user_groups" ("group_id", "user_id");

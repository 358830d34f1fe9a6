-- Users who are not as most are: inactive ones, staff, superusers. Lists of the admin site that are narrowed to
-- them, or to everybody else, are found and counted by it; docs/adr/0035-lists-of-the-admin-site.md.
CREATE INDEX IF NOT EXISTS "easyjwt_user_special" ON "user" ("is_active", "is_staff", "is_superuser", "id")
    WHERE NOT "is_active" OR "is_staff" OR "is_superuser";

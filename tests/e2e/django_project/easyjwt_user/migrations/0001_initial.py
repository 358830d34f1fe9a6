"""The table as it first was: with a column and a constraint that later migrations take away."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import migrations, models


def inherited(*names):
    """Fields as Django's abstract user has them."""
    return [(name, AbstractUser._meta.get_field(name).clone()) for name in names]


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel(
            "User",
            [("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False,
                                        verbose_name="ID")),
             *inherited("password", "last_login", "is_superuser", "is_staff", "is_active", "date_joined"),
             ("first_name", models.CharField(max_length=150, blank=True)),
             *inherited("last_name"),
             ("location", models.TextField(blank=True, null=True)),
             ("phone", models.CharField(max_length=15, blank=True, null=True)),
             ("email", models.EmailField(max_length=254)),
             ("modified_date", models.DateTimeField(auto_now=True)),
             ("creation_date", models.DateTimeField(auto_now_add=True)),
             ("jwt_secret", models.UUIDField(default=uuid.uuid4, editable=False)),
             *inherited("groups", "user_permissions")],
            {"verbose_name": "user", "verbose_name_plural": "users", "abstract": False,
             "db_table": "user", "swappable": "AUTH_USER_MODEL"},
        ),
        migrations.AddConstraint(
            "user", models.UniqueConstraint(fields=["email"], name="user_email_type_unique")),
    ]

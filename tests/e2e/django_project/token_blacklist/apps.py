from django.apps import AppConfig


class BlacklistConfig(AppConfig):
    name = "token_blacklist"
    default_auto_field = "django.db.models.BigAutoField"

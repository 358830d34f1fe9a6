from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "OutstandingToken",
            [("id", models.BigAutoField(primary_key=True, serialize=False)),
             ("jti", models.CharField(max_length=255, unique=True)),
             ("token", models.TextField()),
             ("created_at", models.DateTimeField(blank=True, null=True)),
             ("expires_at", models.DateTimeField()),
             ("user", models.ForeignKey(blank=True, null=True, on_delete=models.CASCADE,
                                        to=settings.AUTH_USER_MODEL))],
        ),
        migrations.CreateModel(
            "BlacklistedToken",
            [("id", models.BigAutoField(primary_key=True, serialize=False)),
             ("blacklisted_at", models.DateTimeField(auto_now_add=True)),
             ("token", models.OneToOneField(on_delete=models.CASCADE,
                                            to="token_blacklist.outstandingtoken"))],
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("easyjwt_user", "0002_remove_user_jwt_secret")]
    operations = [
        migrations.RemoveConstraint("user", "user_email_type_unique"),
        migrations.AlterField("user", "email", models.EmailField(max_length=254, unique=True)),
    ]

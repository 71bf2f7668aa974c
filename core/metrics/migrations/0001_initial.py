import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Partitions are made and dropped by core.metrics.partitions. A row is rewritten until its minute
# is over: with room on the page for that, no index has to be touched.
MINUTE = """
    CREATE TABLE metrics_minute (
        label_set_id bigint NOT NULL,
        at timestamp with time zone NOT NULL,
        source_id bigint NOT NULL,
        count bigint NOT NULL,
        sum double precision NOT NULL,
        weight double precision NOT NULL,
        low double precision,
        high double precision,
        buckets bytea,
        exemplar jsonb,
        PRIMARY KEY (label_set_id, at, source_id)
    ) PARTITION BY RANGE (at)
"""


def reference(to, **options):
    return models.ForeignKey(
        db_constraint=False, db_index=False, related_name="+", to=f"metrics.{to}",
        on_delete=django.db.models.deletion.DO_NOTHING, **options,
    )


def measured():
    return [
        ("count", models.BigIntegerField()),
        ("sum", models.FloatField()),
        ("weight", models.FloatField(default=0.0)),
        ("low", models.FloatField(null=True)),
        ("high", models.FloatField(null=True)),
        ("buckets", models.BinaryField(null=True)),
    ]


def composite(*names):
    return models.CompositePrimaryKey(
        *names, blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LabelSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("instrument", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=10)),
                ("labels", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("instrument", "labels"), name="metrics_labelset_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.UUIDField(unique=True)),
                ("node", models.CharField(max_length=63)),
                ("role", models.CharField(max_length=10)),
                ("pid", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("flushed_until", models.DateTimeField()),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Minute",
                    fields=[
                        *measured(),
                        ("pk", composite("label_set_id", "at", "source_id")),
                        ("at", models.DateTimeField()),
                        ("exemplar", models.JSONField(null=True)),
                        ("label_set", reference("labelset")),
                        ("source", reference("source")),
                    ],
                ),
            ],
            database_operations=[
                migrations.RunSQL(MINUTE, reverse_sql="DROP TABLE metrics_minute"),
            ],
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                *measured(),
                ("pk", composite("label_set_id", "resolution", "node", "at")),
                ("resolution", models.IntegerField()),
                ("node", models.CharField(max_length=63)),
                ("at", models.DateTimeField()),
                ("p50", models.FloatField(null=True)),
                ("p95", models.FloatField(null=True)),
                ("p99", models.FloatField(null=True)),
                ("label_set", reference("labelset")),
            ],
            options={
                "indexes": [models.Index(fields=["resolution", "at"], name="metrics_rollup_age")],
            },
        ),
        migrations.CreateModel(
            name="Unmerged",
            fields=[
                ("at", models.DateTimeField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="Total",
            fields=[
                ("label_set", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+", serialize=False, to="metrics.labelset")),
                ("count", models.BigIntegerField()),
                ("sum_billionths", models.DecimalField(decimal_places=0, max_digits=40)),
                ("buckets", models.BinaryField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RuleState",
            fields=[
                ("name", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("evaluated_minute", models.DateTimeField()),
                ("revision", models.BigIntegerField()),
                ("series", models.CharField(max_length=150)),
                ("condition", models.CharField(max_length=10)),
                ("state", models.CharField(choices=[("ok", "Ok"), ("firing", "Firing"), ("no_data", "No Data"), ("unknown_series", "Unknown Series")], max_length=20)),
                ("value", models.FloatField(null=True)),
                ("since", models.DateTimeField()),
            ],
            options={
                "verbose_name": "metric rule",
            },
        ),
    ]

"""The audit log only grows: the database itself refuses everything but the seal, once."""

from django.db import migrations

PROTECT = """
CREATE FUNCTION access_audit_protect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND OLD.sequence IS NULL AND OLD.digest IS NULL
        AND NEW.sequence IS NOT NULL AND NEW.digest IS NOT NULL
        AND to_jsonb(NEW) - 'sequence' - 'digest' = to_jsonb(OLD) - 'sequence' - 'digest'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER access_audit_protect BEFORE UPDATE OR DELETE ON access_auditentry
    FOR EACH ROW EXECUTE FUNCTION access_audit_protect();
CREATE TRIGGER access_audit_no_truncate BEFORE TRUNCATE ON access_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION access_audit_protect();
"""
UNPROTECT = """
DROP TRIGGER access_audit_no_truncate ON access_auditentry;
DROP TRIGGER access_audit_protect ON access_auditentry;
DROP FUNCTION access_audit_protect();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]
    operations = [migrations.RunSQL(PROTECT, UNPROTECT)]

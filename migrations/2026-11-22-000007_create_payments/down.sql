DROP TABLE ledger_lines;
DROP TABLE refunds;
DROP INDEX holds_current_attempt;
ALTER TABLE holds DROP CONSTRAINT holds_current_attempt_fkey;
DROP TABLE payment_attempts;
DROP TABLE payments;

DROP TABLE simulator_refunds;
DROP TABLE simulator_intents;

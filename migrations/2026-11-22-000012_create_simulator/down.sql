DROP TABLE simulator_intents;

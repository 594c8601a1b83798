DROP TABLE simulator_deliveries;
DROP TABLE simulator_events;
DROP TABLE simulator_requests;
DROP TABLE simulator_refunds;
DROP TABLE simulator_intents;

DROP TABLE rates;
DROP TABLE taxes;
DROP TABLE child_bands;
DROP TABLE cancellation_tiers;
DROP TABLE rate_plan_room_types;
DROP TABLE rate_plans;

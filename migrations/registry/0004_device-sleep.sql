-- Devices that leave and come back by themselves: what runs on a battery sleeps most of the time.
ALTER TABLE devices ADD COLUMN may_sleep INTEGER NOT NULL DEFAULT 0;

-- Units of work that are done, each written in the transaction that did it.
CREATE TABLE runs (
    job         text NOT NULL,
    unit        text NOT NULL,
    detail      jsonb NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, unit)
);

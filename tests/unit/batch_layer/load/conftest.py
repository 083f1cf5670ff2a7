from tests.fakes.postgres import connection, database, empty_database

__all__ = ["connection", "database", "empty_database"]

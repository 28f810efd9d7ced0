"""What the integration tests stand on: real servers, the pgcask command, and stock oracles.

    servers    Server and ServerFactory: throwaway clusters of PostgreSQL 13 to 18
    process    run a command and measure it (exit status, output, peak memory, CPU time)
    oracles    what stock tools and the restored server itself say about a backup
    builders   data to back up: big tables, TOAST, tablespaces, odd database names
    load       pgbench in the background
    tls        a throwaway certificate authority
    paths      where servers, stock tools and pgcask are
    temp       the one temporary folder everything lives in

Only the Python standard library and pytest are needed. tests/servers/install fetches the servers.
"""

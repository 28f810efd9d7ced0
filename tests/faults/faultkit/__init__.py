"""What the fault tests stand on. A scenario knows nothing of faults, a fault nothing of scenarios.

    scenarios   what is run: command, target, what must hold after success, failure, SIGKILL
    faults      what is done to it, each written as one word: "memory:17:fail:12"
    judge       the one place that says whether a run was in order
    trial       puts the three together, and counts
    runs        runs one command under runner.c, with shim.c where a fault wants it
    proxy       stands between the program and a server
    tiny        a scripted server of a cluster of a dozen files, and backups of it
    real        physical backups of real servers
    logical     logical backups of one database of a real server
    trees       folders before and after
"""

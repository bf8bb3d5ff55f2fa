"""llm-memory: the peak of a run with 2,000 dialogues in flight at a server that takes 2 to 4 seconds."""
import llmbench as llm

DIALOGUES = 2000
llm.raise_descriptors()
with llm.Server("--latency", "2000-4000") as s:
    run = llm.Run(llm.project(s.port, DIALOGUES, in_flight=DIALOGUES))
    run.wait()
    stats = s.stats()
    print(f"llm-memory: {stats['requests']:,} requests, {stats['in_flight_peak']:,} at once, {run.seconds:.0f} s, {run.cpu_s * 1000 / stats['requests']:.2f} ms of CPU a request")
    llm.line("llm-memory", run.mb, "MB", 300, True, stats["in_flight_peak"] >= 0.9 * DIALOGUES)

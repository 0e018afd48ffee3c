// Every test here starts processes and waits for them: side by side they would only take each other's time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

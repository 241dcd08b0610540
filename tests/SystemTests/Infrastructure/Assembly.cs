// Each test has namespaces of its own; two at a time keep two processors busy.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

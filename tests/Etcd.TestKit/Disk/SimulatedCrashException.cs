namespace Etcd.TestKit.Disk;

/// <summary>
/// The simulated machine lost power. Not a <see cref="Etcd.Server.Io.FileSystemException"/>, so that no error handling of
/// the code under test takes it for a failed call and goes on.
/// </summary>
public sealed class SimulatedCrashException(string operation) : Exception("simulated power failure during: " + operation);

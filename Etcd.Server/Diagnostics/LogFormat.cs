namespace Etcd.Server.Diagnostics;

/// <summary>How log lines are written (--log-format).</summary>
public enum LogFormat
{
    /// <summary>One JSON object per line: level, ts, caller, msg and the values.</summary>
    Json,

    /// <summary>Tab-separated text for people.</summary>
    Console,
}

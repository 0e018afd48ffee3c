namespace Etcd.Client;

/// <summary>Which requests may be sent again after a failure.</summary>
internal enum RetryAdvice
{
    /// <summary>None: the answer would be the same.</summary>
    No,

    /// <summary>Those that change nothing: this one may have been carried out.</summary>
    IfRepeatable,

    /// <summary>All: it is certain that this one was not carried out.</summary>
    Always,

    /// <summary>All, with a new token.</summary>
    WithNewToken,
}

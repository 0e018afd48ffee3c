using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Etcd.Server.Api.Gateway;

/// <summary>
/// The JSON values of a body, one behind the other, as they come in. Looks at each byte once to find the end of a value, however many
/// pieces it comes in. Used by one task at a time.
/// </summary>
/// <param name="body">The body.</param>
/// <param name="bytesMax">The largest value, bytes.</param>
internal sealed class JsonValues(PipeReader body, long bytesMax)
{
    // A transaction may hold transactions. Each takes three levels here, and two of the hundred that Google.Protobuf reads of an answer:
    // what would come back too deep is refused before it is carried out.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 144 };

    private long _seen;
    private int _depth;
    private bool _inString;
    private bool _escaped;
    private bool _begun;

    /// <summary>The next value; null at the body's end.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="FormatException">What comes is no JSON.</exception>
    /// <exception cref="ValueTooLargeException">The value is larger than the limit.</exception>
    public async ValueTask<JsonDocument?> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult result = await body.ReadAsync(cancellation).ConfigureAwait(false);
            SequencePosition consumed = result.Buffer.End;
            try
            {
                if (TryTake(result, out JsonDocument? value, ref consumed))
                {
                    body.AdvanceTo(consumed);
                    return value;
                }
            }
            catch (Exception e) when (e is FormatException or ValueTooLargeException)
            {
                // Who reads must say what it has read, or the connection is lost with the body.
                body.AdvanceTo(consumed);
                throw;
            }

            bool tooLarge = result.Buffer.Length > bytesMax;
            body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (tooLarge)
            {
                throw new ValueTooLargeException();
            }

            if (result.IsCompleted)
            {
                return _begun ? throw new FormatException("unexpected EOF") : null;
            }
        }
    }

    private bool TryTake(in ReadResult result, out JsonDocument? value, ref SequencePosition consumed)
    {
        value = null;
        long end = FindEnd(result.Buffer);
        if (end < 0 && !(result.IsCompleted && _begun && _depth == 0))
        {
            return false;
        }

        ReadOnlySequence<byte> bytes = end < 0 ? result.Buffer : result.Buffer.Slice(0, end);
        if (bytes.Length > bytesMax)
        {
            throw new ValueTooLargeException();
        }

        (_seen, _depth, _inString, _escaped, _begun) = (0, 0, false, false, false);
        try
        {
            // A copy: the document reads its text as long as it lives, and the body's buffers go to others before.
            value = JsonDocument.Parse(bytes.ToArray(), Options);
        }
        catch (JsonException e)
        {
            throw new FormatException(e.Message, e);
        }

        consumed = bytes.End;
        return true;
    }

    /// <summary>Where the value at the front ends, or -1 if that is not there yet.</summary>
    private long FindEnd(in ReadOnlySequence<byte> buffer)
    {
        long at = _seen;
        foreach (ReadOnlyMemory<byte> piece in buffer.Slice(_seen))
        {
            foreach (byte b in piece.Span)
            {
                at++;
                if (Ends(b))
                {
                    return at;
                }
            }
        }

        _seen = at;
        return -1;
    }

    /// <summary>Takes the next byte; returns whether it ends a value.</summary>
    private bool Ends(byte b)
    {
        if (_inString)
        {
            bool closes = b == '"' && !_escaped;
            _escaped = b == '\\' && !_escaped;
            _inString = !closes;
            return closes && _depth == 0;
        }

        switch (b)
        {
            case (byte)'"':
                _begun = _inString = true;
                return false;
            case (byte)'{' or (byte)'[':
                _begun = true;
                _depth++;
                return false;
            case (byte)'}' or (byte)']':
                _begun = true;
                return --_depth <= 0;
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                // A number or a name ends here.
                return _begun && _depth == 0;
            default:
                _begun = true;
                return false;
        }
    }
}

/// <summary>A value is larger than what is read.</summary>
internal sealed class ValueTooLargeException : Exception;

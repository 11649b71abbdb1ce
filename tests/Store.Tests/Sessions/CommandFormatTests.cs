using Conclave.Support;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

public class CommandFormatTests(ITestOutputHelper output)
{
    [Fact]
    public void A_command_with_or_without_a_session_comes_back_as_it_was() =>
        Properties.Holds(Prop.ForAll((Tuple<byte, ulong, ulong> head, byte[] body, Tuple<long, ulong> session) =>
        {
            (byte kind, ulong origin, ulong request) = head;
            var sent = new SessionSequence(session.Item1, session.Item1 == 0 ? 0 : session.Item2);
            var expected = (kind % 22 == 21 ? CommandKind.ServerTxn : (CommandKind)(1 + kind % 22));
            byte[] payload = Command.Encode(expected, origin, request, body, sent);
            Assert.True(Command.TryDecode(payload, out Command command));
            Assert.Equal((expected, origin, request, sent), (command.Kind, command.Origin, command.RequestId, command.Session));
            Assert.Equal(body, command.Body.ToArray());
        }), output, tests: 500);

    [Fact]
    public void A_command_without_a_session_is_written_as_before_there_were_any() =>
        Assert.Equal((byte[])[1, 3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 77], Command.Encode(CommandKind.Txn, 5, 6, [77]));

    [Fact]
    public void A_command_of_a_session_says_so_in_its_format() =>
        Assert.Equal((byte[])[2, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 9, 0, 0, 0, 0, 0, 0, 0, 77],
            Command.Encode(CommandKind.Put, 5, 6, [77], new SessionSequence(-1, 9)));

    [Fact]
    public void What_is_no_command_is_not_taken_for_one()
    {
        byte[] plain = Command.Encode(CommandKind.Put, 1, 2, [3]), session = Command.Encode(CommandKind.Put, 1, 2, [], new SessionSequence(4, 5));
        for (int length = 0; length < Command.HeaderBytes; length++)
            Assert.False(Command.TryDecode(plain.AsMemory(0, length), out _));
        for (int length = 0; length < Command.SessionHeaderBytes; length++)
            Assert.False(Command.TryDecode(session.AsMemory(0, length), out _));
        foreach ((int at, byte value) in ((int, byte)[])[(0, 0), (0, 4), (1, 0), (1, 22), (2, 1), (3, 1)])
        {
            byte[] changed = [.. session];
            changed[at] = value;
            Assert.False(Command.TryDecode(changed, out _), $"byte {at} = {value}");
        }

        session.AsSpan(20, 8).Clear();   // session 0 is no session
        Assert.False(Command.TryDecode(session, out _));
    }

    [Fact]
    public void A_command_says_who_sent_it() =>
        Properties.Holds(Prop.ForAll((Tuple<byte, ulong, ulong> head, byte[] body, Tuple<long, ulong, NonEmptyString, ulong> by) =>
        {
            (byte kind, ulong origin, ulong request) = head;
            (Tuple<long, ulong> session, Tuple<NonEmptyString, ulong> who) = (Tuple.Create(by.Item1, by.Item2), Tuple.Create(by.Item3, by.Item4));
            string user = new([.. who.Item1.Get.Select(c => char.IsSurrogate(c) ? 'x' : c)]);   // a name has been UTF-8 before it comes here
            CommandIdentity identity = who.Item2 % 5 == 0 ? CommandIdentity.Member : CommandIdentity.Of(user, Math.Max(1, who.Item2));
            var sent = new SessionSequence(session.Item1, session.Item1 == 0 ? 0 : session.Item2);
            var expected = (kind % 22 == 21 ? CommandKind.ServerTxn : (CommandKind)(1 + kind % 22));
            byte[] payload = Command.Encode(expected, origin, request, body, sent, identity);
            Assert.True(Command.TryDecode(payload, out Command command));
            Assert.Equal((expected, origin, request, sent, identity), (command.Kind, command.Origin, command.RequestId, command.Session, command.Identity));
            Assert.Equal(body, command.Body.ToArray());
            for (int length = 0; length < payload.Length - body.Length; length++)
                Assert.False(Command.TryDecode(payload.AsMemory(0, length), out _));
        }), output, tests: 500);

    [Fact]
    public void A_name_that_is_no_text_or_has_no_revision_is_not_taken_for_a_user()
    {
        byte[] good = Command.Encode(CommandKind.Put, 1, 2, [3], default, CommandIdentity.Of("eve", 7));
        byte[] noText = [.. good], noRevision = [.. good], halfSession = [.. good];
        noText[Command.IdentityHeaderBytes] = 0xff;
        noRevision[36] = 0;
        halfSession[28] = 1;
        Assert.True(Command.TryDecode(good, out _));
        Assert.False(Command.TryDecode(noText, out _));
        Assert.False(Command.TryDecode(noRevision, out _));
        Assert.False(Command.TryDecode(halfSession, out _));
    }
}

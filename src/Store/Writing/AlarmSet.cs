using System.Collections.Immutable;
using Conclave.Store.Protobuf;
using Conclave.Store.Requests;

namespace Conclave.Store.Writing;

/// <summary>The raised alarms, ordered by kind and member.</summary>
internal static class AlarmSet
{
    private const byte AlarmsTag = 2 << 3 | 2, MemberTag = 1 << 3, KindTag = 2 << 3;

    public static bool Has(ImmutableArray<ActiveAlarm> alarms, AlarmKind kind)
    {
        foreach (ActiveAlarm alarm in alarms)
        {
            if (alarm.Alarm == kind)
                return true;
        }

        return false;
    }

    /// <summary>Raises or disarms, or only asks; the answer lists what was meant, as etcd's does.</summary>
    /// <param name="alarms">Those raised.</param>
    /// <param name="request">An unknown action or kind of alarm changes nothing.</param>
    /// <param name="answer">Gets the field alarms of an AlarmResponse.</param>
    /// <returns>Those raised afterwards.</returns>
    public static ImmutableArray<ActiveAlarm> Apply(ImmutableArray<ActiveAlarm> alarms, AlarmRequest request, ResponseBuffer answer)
    {
        if (request.Action == AlarmAction.Get)
        {
            foreach (ActiveAlarm alarm in alarms)
            {
                if ((request.Alarm == 0 || request.Alarm == (int)alarm.Alarm) && (request.MemberId == 0 || request.MemberId == alarm.MemberId))
                    Write(alarm, answer);
            }

            return alarms;
        }

        if (request.Alarm is not ((int)AlarmKind.NoSpace) and not ((int)AlarmKind.Corrupt))
            return alarms;
        var meant = new ActiveAlarm((AlarmKind)request.Alarm, request.MemberId);
        bool raised = alarms.Contains(meant);
        if (request.Action == AlarmAction.Activate)
        {
            Write(meant, answer);
            return With(alarms, meant, raised: true);
        }

        if (request.Action != AlarmAction.Deactivate || !raised)
            return alarms;
        Write(meant, answer);
        return With(alarms, meant, raised: false);
    }

    /// <summary>The alarms with one of them raised or not, as it may be already.</summary>
    public static ImmutableArray<ActiveAlarm> With(ImmutableArray<ActiveAlarm> alarms, ActiveAlarm alarm, bool raised)
    {
        if (alarms.Contains(alarm) == raised)
            return alarms;
        return raised ? alarms.Add(alarm).Sort(Order) : alarms.Remove(alarm);
    }

    private static int Order(ActiveAlarm x, ActiveAlarm y) =>
        x.Alarm != y.Alarm ? x.Alarm.CompareTo(y.Alarm) : x.MemberId.CompareTo(y.MemberId);

    private static void Write(ActiveAlarm alarm, ResponseBuffer answer)
    {
        int start = answer.Length;
        if (alarm.MemberId != 0)
            answer.WriteLong(MemberTag, (long)alarm.MemberId);
        answer.WriteLong(KindTag, (long)alarm.Alarm);
        answer.Enclose(start, AlarmsTag);
    }
}

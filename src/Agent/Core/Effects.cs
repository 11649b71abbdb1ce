using System.Collections.Immutable;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>What the core wants done. Effects are carried out in their order; those with a step are answered by <see cref="StepDone"/>, and the group waits for it.</summary>
public abstract record AgentEffect;

/// <summary>An effect that is answered.</summary>
/// <param name="Group">Whose it is.</param>
/// <param name="Step">Comes back in the answer.</param>
public abstract record StepEffect(string Group, long Step) : AgentEffect;

/// <summary>Keeps a received document for the next start.</summary>
public sealed record SaveDocument(AgentDocument Document) : AgentEffect;

/// <summary>Writes the new content beside each file that is not as wanted, with owner and mode, synced. Nothing that a program reads is changed.</summary>
public sealed record StageFiles(string Group, long Step, ImmutableArray<FileContent> Files) : StepEffect(Group, Step);

/// <summary>Asks a file's check command about what was staged.</summary>
public sealed record CheckFile(string Group, long Step, string File) : StepEffect(Group, Step);

/// <summary>Keeps the version that is about to be committed; and what was there before, where nothing is known to be good yet.</summary>
public sealed record SaveNext(string Group, long Step, GroupVersion Next, GroupVersion? Original) : StepEffect(Group, Step);

/// <summary>Records where a group is.</summary>
public sealed record SaveJournal(string Group, long Step, Journal Journal) : StepEffect(Group, Step);

/// <summary>Puts one staged file in place: rename, and a sync of the directory.</summary>
public sealed record CommitFile(string Group, long Step, string File) : StepEffect(Group, Step);

/// <summary>Keeps a version as the good one: what is restored, what drift is told from, what an offline start has.</summary>
public sealed record SaveGood(string Group, long Step, GroupVersion Good) : StepEffect(Group, Step);

/// <summary>Waits for a slot to restart in.</summary>
public sealed record TakeSlot(string Group, long Step) : StepEffect(Group, Step);

/// <summary>Gives the slot, or the wait for it, up.</summary>
public sealed record GiveSlot(string Group) : AgentEffect;

/// <summary>Tells the program.</summary>
public sealed record RunAction(string Group, long Step, ActionKind Kind) : StepEffect(Group, Step);

/// <summary>Looks whether the program is well.</summary>
public sealed record RunVerify(string Group, long Step, ActionKind Kind) : StepEffect(Group, Step);

/// <summary>Removes what was staged and not committed.</summary>
public sealed record DropStaged(string Group) : AgentEffect;

/// <summary>Looks at a file; answered by <see cref="Inspected"/>.</summary>
public sealed record Inspect(string File) : AgentEffect;

/// <summary>The states to acknowledge, all of them, from now on.</summary>
public sealed record Report(ImmutableArray<V1.DocumentState> States) : AgentEffect;

/// <summary>Watch again, from nothing.</summary>
public sealed record Resync : AgentEffect;

/// <summary>A line for the log. No secret is in it.</summary>
public sealed record Tell(bool IsWarning, string Text) : AgentEffect;

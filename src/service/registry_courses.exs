# Random courses of a registry, as Elixir's takes them: one line each, {Keys, Partitions, [{Operation,
# Result}, ...]}. elixir registry_courses.exs SEED COUNT: what registry_courses_test.c holds came from it.
# Processes are the atoms p0, p1 and p2; a list of entries has no order.
defmodule Courses do
  @values [1, 2, {:x, 1}, {:x, 2}, [:l]]
  @patterns [
    {:_, []},
    {1, []},
    {{:x, :_}, []},
    {{:_, 2}, []},
    {{:"$1", :"$2"}, [{:>, :"$2", 1}]},
    {:"$1", [{:is_tuple, :"$1"}]},
    {:"$1", [{:orelse, {:"=:=", :"$1", 1}, {:is_list, :"$1"}}]}
  ]

  def course do
    keys = Enum.random([:unique, :duplicate])
    partitions = Enum.random([1, 3])
    {:ok, registry} = Registry.start_link(keys: keys, name: Reg, partitions: partitions)
    Process.put(:slots, Map.new([:p0, :p1, :p2], &{&1, new()}))
    steps = for _ <- 1..(10 + :rand.uniform(14)), do: step(keys)
    for {_, pid} <- Process.get(:slots), do: Process.exit(pid, :kill)
    Supervisor.stop(registry)
    :io.format("~w.~n", [{keys, partitions, steps}])
  end

  defp new, do: spawn(fn -> obey() end)

  defp obey do
    receive do
      {from, fun} -> send(from, {:done, fun.()})
    end

    obey()
  end

  defp pid(slot), do: Process.get(:slots)[slot]
  defp slot(pid), do: Enum.find_value(Process.get(:slots), fn {slot, p} -> p == pid && slot end)
  defp entries(list), do: Enum.sort(for {pid, value} <- list, do: {slot(pid), value})

  defp ask(slot, fun) do
    send(pid(slot), {self(), fun})

    receive do
      {:done, result} -> result
    end
  end

  defp step(keys) do
    slot = Enum.random([:p0, :p1, :p2])
    key = Enum.random([:a, {:c, 1}])
    {pattern, guards} = Enum.random(@patterns)

    operation =
      case :rand.uniform(16) do
        n when n <= 5 -> {:register, slot, key, Enum.random(@values)}
        6 -> {:unregister, slot, key}
        7 -> {:unregister_match, slot, key, pattern, guards}
        n when n <= 9 -> {:lookup, key}
        10 -> {:keys, slot}
        11 -> {:values, slot, key}
        12 -> {:match, key, pattern, guards}
        13 -> {:count_match, key, pattern, guards}
        14 -> {:kill, slot}
        15 when keys == :unique -> {:update_value, slot, key}
        _ -> {:count}
      end

    {operation, perform(operation)}
  end

  defp perform({:register, slot, key, value}) do
    case ask(slot, fn -> Registry.register(Reg, key, value) end) do
      {:ok, _} -> :ok
      {:error, {:already_registered, owner}} -> {:error, slot(owner)}
    end
  end

  defp perform({:unregister, slot, key}), do: ask(slot, fn -> Registry.unregister(Reg, key) end)

  defp perform({:unregister_match, slot, key, pattern, guards}),
    do: ask(slot, fn -> Registry.unregister_match(Reg, key, pattern, guards) end)

  defp perform({:lookup, key}), do: entries(Registry.lookup(Reg, key))
  defp perform({:keys, slot}), do: Enum.sort(Registry.keys(Reg, pid(slot)))
  defp perform({:values, slot, key}), do: Enum.sort(Registry.values(Reg, key, pid(slot)))
  defp perform({:match, key, pattern, guards}), do: entries(Registry.match(Reg, key, pattern, guards))
  defp perform({:count_match, key, pattern, guards}), do: Registry.count_match(Reg, key, pattern, guards)
  defp perform({:count}), do: Registry.count(Reg)

  defp perform({:update_value, slot, key}) do
    case ask(slot, fn -> Registry.update_value(Reg, key, &{:x, &1}) end) do
      {new, old} -> {new, old}
      :error -> :error
    end
  end

  defp perform({:kill, slot}) do
    ref = Process.monitor(pid(slot))
    Process.exit(pid(slot), :kill)

    receive do
      {:DOWN, ^ref, _, _, _} -> :ok
    end

    Process.sleep(5)
    Process.put(:slots, Map.put(Process.get(:slots), slot, new()))
    :ok
  end
end

[seed, count] = System.argv()
:rand.seed(:exsss, String.to_integer(seed))
for _ <- 1..String.to_integer(count), do: Courses.course()

# Random streams of tasks, as Elixir's Task.Supervisor.async_stream_nolink runs them: one line each,
# {Concurrency, Ordered, Timeout, Zip, Inputs, Items}, an input being {Id, Milliseconds, ok | exit}.
# elixir task_stream_courses.exs SEED COUNT: what task_stream_courses_test.c holds came from it. What does not
# come out the same twice, since the machine was busy, is left out.
defmodule Courses do
  def course(supervisor) do
    ordered = Enum.random([true, false])
    timeout = Enum.random([75, 75, :infinity])
    zip = Enum.random([true, false])
    times = Enum.take_random([0, 20, 40, 60, 95, 120, 140, 160], 1 + :rand.uniform(7))

    inputs =
      for {milliseconds, id} <- Enum.with_index(times) do
        {id, milliseconds, Enum.random([:ok, :ok, :exit])}
      end

    # Without an order two tasks must not end together: all start at once, or one by one.
    most = if ordered, do: :rand.uniform(4), else: Enum.random([1, length(inputs)])

    run = fn ->
      supervisor
      |> Task.Supervisor.async_stream_nolink(inputs, &work/1,
        max_concurrency: most,
        ordered: ordered,
        timeout: timeout,
        on_timeout: :kill_task,
        zip_input_on_exit: zip
      )
      |> Enum.to_list()
    end

    items = run.()
    if items == run.(), do: :io.format("~w.~n", [{most, ordered, timeout, zip, inputs, items}])
  end

  defp work({id, milliseconds, how}) do
    Process.sleep(milliseconds)
    if how == :exit, do: exit({:over, id})
    {:done, id}
  end
end

[seed, count] = System.argv()
:logger.set_primary_config(:level, :none)
:rand.seed(:exsss, String.to_integer(seed))
{:ok, supervisor} = Task.Supervisor.start_link()
for _ <- 1..String.to_integer(count), do: Courses.course(supervisor)

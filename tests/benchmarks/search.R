# Random starts of flexmix: Rscript search.R FILE N D K STARTS
# FILE holds the columns x1..xd, y as raw float64. Prints one line of JSON.
suppressPackageStartupMessages({library(flexmix); library(jsonlite)})
argv <- commandArgs(trailingOnly = TRUE)
size <- as.integer(argv[2:5])
n <- size[1]; d <- size[2]; k <- size[3]; starts <- size[4]
data <- as.data.frame(matrix(readBin(argv[1], "double", n * (d + 1)), n))
inputs <- paste0("x", seq_len(d))
names(data) <- c(inputs, "y")
right <- paste(inputs, collapse = " + ")
set.seed(1)
best <- -Inf
spent <- system.time(for (i in seq_len(starts)) {
  fit <- try(suppressWarnings(flexmix(as.formula(paste("y ~", right)), data = data, k = k,
    concomitant = FLXPmultinom(as.formula(paste("~", right))),
    control = list(tolerance = 1e-8, iter.max = 1000L, minprior = 0))), silent = TRUE)
  if (!inherits(fit, "try-error")) best <- max(best, as.numeric(logLik(fit)))
})
cat(toJSON(list(best = best, cpu = sum(spent[c("user.self", "sys.self")])),
           auto_unbox = TRUE, digits = NA), "\n", sep = "")

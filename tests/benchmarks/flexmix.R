# The same fits by flexmix: Rscript flexmix.R FILE N D K FITS TOLERANCE CLASSES
# CLASSES is 0 for a real response. FILE holds the columns x1..xd, y, labels (from 1) as raw float64. Prints one line of JSON.
suppressPackageStartupMessages({library(flexmix); library(jsonlite)})
argv <- commandArgs(trailingOnly = TRUE)
size <- as.integer(argv[2:5])
n <- size[1]; d <- size[2]; k <- size[3]; fits <- size[4]
raw <- matrix(readBin(argv[1], "double", n * (d + 2)), n)
data <- as.data.frame(raw[, seq_len(d + 1), drop = FALSE])
inputs <- paste0("x", seq_len(d))
names(data) <- c(inputs, "y")
classes <- as.integer(argv[7])
if (classes > 0) data$y <- as.integer(data$y) + 1L
driver <- if (classes > 0) FLXMRmultinom() else FLXMRglm(family = "gaussian")
labels <- as.integer(raw[, d + 2])
rm(raw)
right <- paste(inputs, collapse = " + ")
control <- list(tolerance = as.numeric(argv[6]), iter.max = 1000L, minprior = 0)
cpu <- wall <- numeric(fits)
for (i in seq_len(fits)) {
  spent <- system.time(
    model <- flexmix(as.formula(paste("y ~", right)), data = data, k = k, cluster = labels,
                     model = driver,
                     concomitant = FLXPmultinom(as.formula(paste("~", right))),
                     control = control)
  )
  cpu[i] <- sum(spent[c("user.self", "sys.self")])
  wall[i] <- spent[["elapsed"]]
}
if (classes > 0) {
  coef <- lapply(model@components, function(one) rbind(0, one[[1]]@parameters$coef))
  sigma <- numeric(0)
} else {
  found <- parameters(model)
  coef <- t(found[seq_len(d + 1), , drop = FALSE])
  sigma <- unname(found[d + 2, ])
}
peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
cat(toJSON(list(
  cpu = I(cpu), wall = I(wall), n_passes = model@iter, converged = model@converged,
  gate = t(model@concomitant@coef), coef = unname(coef),
  sigma = I(sigma), peak_mb = as.numeric(gsub("[^0-9]", "", peak)) / 1024,
  version = as.character(packageVersion("flexmix"))
), auto_unbox = TRUE, digits = NA), "\n", sep = "")
